<?php
/**
 * What buyers do besides ordering: reviews, and, by consent, what they look at and put into the cart.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Line;

/**
 * Of accounts alone, and sent behind the buyer's back (`docs/http-contract.md`, `POST /events`).
 */
final class Happenings {

	/**
	 * Meta of an account: "yes" from whoever lets the programme know what they look at.
	 */
	public const CONSENT = 'loyalty_hub_watch';

	private const ACTION = 'loyalty_hub_watch';
	private const SEEN   = 'loyalty_hub_seen';

	/**
	 * Seconds for which the same article is not told of again.
	 */
	private const PAUSE = 3600;

	/**
	 * Articles that a session remembers.
	 */
	private const REMEMBERED = 50;

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'comment_post', array( $this, 'written' ), 10, 2 );
		add_action( 'transition_comment_status', array( $this, 'moderated' ), 10, 3 );
		add_action( 'template_redirect', array( $this, 'viewed' ) );
		add_action( 'woocommerce_add_to_cart', array( $this, 'put_in_cart' ), 10, 6 );
		add_action( 'woocommerce_account_' . Account::ENDPOINT . '_endpoint', array( $this, 'ask' ), 20 );
		add_action( 'template_redirect', array( $this, 'answer' ), 5 );
	}

	/**
	 * A comment was written; a review may wait for a moderator.
	 *
	 * @param int        $id       Of the comment.
	 * @param int|string $approved 1, 0, or "spam".
	 */
	public function written( $id, $approved ): void {
		$comment = get_comment( $id );
		if ( $comment ) {
			$this->tell_of_review( $comment, self::state( (string) $approved ) );
		}
	}

	/**
	 * A moderator said something of it.
	 *
	 * @param string      $to      Status now.
	 * @param string      $from    Status before.
	 * @param \WP_Comment $comment The comment.
	 */
	public function moderated( $to, $from, $comment ): void {
		if ( $to !== $from ) {
			$this->tell_of_review( $comment, self::state( (string) $to ) );
		}
	}

	/**
	 * The page of an article is shown.
	 */
	public function viewed(): void {
		$product = is_product() && self::may_watch() ? wc_get_product( get_queried_object_id() ) : null;
		if ( ! $product ) {
			return;
		}
		$seen = (array) WC()->session->get( self::SEEN, array() );
		if ( time() < ( $seen[ $product->get_id() ] ?? 0 ) + self::PAUSE ) {
			return;
		}
		unset( $seen[ $product->get_id() ] );
		$seen[ $product->get_id() ] = time();
		WC()->session->set( self::SEEN, array_slice( $seen, -self::REMEMBERED, null, true ) );
		$this->tell( 'view', get_current_user_id(), 'view-' . wp_generate_uuid4(), array( 'data' => array( 'sku' => self::sku( $product ) ) ) );
	}

	/**
	 * Something is put into the cart.
	 *
	 * @param string    $key       Of the line.
	 * @param int       $product   Id.
	 * @param int|float $quantity  How many.
	 * @param int       $variation Id, or 0.
	 * @param array     $options   Of the variation.
	 * @param array     $more      What marks the line.
	 */
	public function put_in_cart( $key, $product, $quantity, $variation, $options, $more ): void {
		$found = ! Gifts::is( (array) $more ) && self::may_watch() ? wc_get_product( $variation ?: $product ) : null;
		if ( $found ) {
			$data = array(
				'sku'      => self::sku( $found ),
				'quantity' => (string) $quantity,
			);
			$this->tell( 'cart', get_current_user_id(), 'cart-' . wp_generate_uuid4(), array( 'data' => $data ) );
		}
	}

	/**
	 * On the page of points: whether the programme may know what is looked at.
	 */
	public function ask(): void {
		if ( ! self::is_wanted() ) {
			return;
		}
		$given = 'yes' === get_user_meta( get_current_user_id(), self::CONSENT, true );
		echo '<form method="post" class="loyalty-hub-watch">';
		wp_nonce_field( self::ACTION, self::ACTION );
		echo '<label><input type="checkbox" name="loyalty_hub_agree" value="yes"' . ( $given ? ' checked' : '' ) . '> ';
		echo esc_html__( 'The loyalty programme may know which articles I look at and put into the cart, for offers that suit me.', 'loyalty-hub' ) . '</label> ';
		echo '<button type="submit" class="button">' . esc_html__( 'Save', 'loyalty-hub' ) . '</button></form>';
	}

	/**
	 * The answer, which can be taken back at any time.
	 */
	public function answer(): void {
		$nonce = isset( $_POST[ self::ACTION ] ) ? sanitize_text_field( wp_unslash( $_POST[ self::ACTION ] ) ) : '';
		if ( '' === $nonce || ! is_user_logged_in() || ! wp_verify_nonce( $nonce, self::ACTION ) ) {
			return;
		}
		$agrees = isset( $_POST['loyalty_hub_agree'] );
		update_user_meta( get_current_user_id(), self::CONSENT, $agrees ? 'yes' : 'no' );
		wp_safe_redirect( wc_get_account_endpoint_url( Account::ENDPOINT ) );
		exit;
	}

	/**
	 * Whether the owner wants such events at all.
	 *
	 * @return bool
	 */
	private static function is_wanted(): bool {
		return Options::are_complete() && 'yes' === Options::get( 'storefront_events', 'no' );
	}

	/**
	 * Whether this buyer agreed, and took nothing back in a banner of another plugin (WP Consent API).
	 *
	 * @return bool
	 */
	private static function may_watch(): bool {
		$user = get_current_user_id();
		return 0 !== $user && WC()->session && self::is_wanted() && 'yes' === get_user_meta( $user, self::CONSENT, true )
			&& ( ! function_exists( 'wp_has_consent' ) || wp_has_consent( 'marketing' ) );
	}

	/**
	 * Tells of a review of an article by an account.
	 *
	 * @param \WP_Comment $comment The comment.
	 * @param string|null $state   As the hub knows it; null: nothing to tell.
	 */
	private function tell_of_review( $comment, ?string $state ): void {
		$product = 'review' === $comment->comment_type && $comment->user_id > 0 && null !== $state ? wc_get_product( $comment->comment_post_ID ) : null;
		if ( ! $product || ! Options::are_complete() ) {
			return;
		}
		$this->tell(
			'review',
			(int) $comment->user_id,
			'review-' . $comment->comment_ID,
			array(
				'occurred_at' => gmdate( 'c', (int) strtotime( $comment->comment_date_gmt . ' UTC' ) ),
				'state'       => $state,
				'product'     => self::sku( $product ),
				'revision'    => Queue::number(),
				'data'        => array( 'rating' => (int) get_comment_meta( (int) $comment->comment_ID, 'rating', true ) ),
			)
		);
	}

	/**
	 * Queues an event.
	 *
	 * @param string $kind As the hub names it.
	 * @param int    $user Whose account.
	 * @param string $id   Of the event.
	 * @param array  $more Other members of the event.
	 */
	private function tell( string $kind, int $user, string $id, array $more ): void {
		$member = Basket_Reader::account( $user );
		if ( null !== $member ) {
			$event = array(
				'kind'        => $kind,
				'external_id' => $id,
				'occurred_at' => gmdate( 'c' ),
				'member'      => $member,
			);
			Queue::add( Queue::EVENT, 0, (string) wp_json_encode( $more + $event ) );
		}
	}

	/**
	 * The state of a comment in the hub's words.
	 *
	 * @param string $status As WordPress names it, when it is written or moderated.
	 * @return string|null Null: one that says nothing.
	 */
	private static function state( string $status ): ?string {
		$states = array(
			'1'          => 'approved',
			'approved'   => 'approved',
			'0'          => 'pending',
			'unapproved' => 'pending',
			'spam'       => 'rejected',
			'trash'      => 'withdrawn',
			'delete'     => 'withdrawn',
		);
		return $states[ $status ] ?? null;
	}

	/**
	 * The article code, by the rule of lines.
	 *
	 * @param \WC_Product $product The article.
	 * @return string|null
	 */
	private static function sku( $product ): ?string {
		return Line::sku( (string) $product->get_sku(), $product->get_id() );
	}
}
