<?php
/**
 * My Account: balance, what expires, history, offers.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Money;

/**
 * Shows what the hub says now; nothing of it is kept in the shop.
 */
final class Account {

	public const ENDPOINT = 'loyalty';
	public const META     = 'loyalty_hub_member';

	private const LIMIT = 20;

	/**
	 * Seconds after which an account that the hub did not know is asked about again.
	 */
	private const ASKED_S = 600;

	private const ACTION = 'loyalty_hub_prove';
	private const PROOF  = 'loyalty_hub_proof';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'woocommerce_get_query_vars', array( $this, 'name_page' ) );
		add_filter( 'woocommerce_account_menu_items', array( $this, 'add_item' ) );
		add_filter( 'woocommerce_endpoint_' . self::ENDPOINT . '_title', array( $this, 'title' ) );
		add_action( 'template_redirect', array( $this, 'prove' ) );
		add_action( 'woocommerce_account_' . self::ENDPOINT . '_endpoint', array( $this, 'show' ) );
	}

	/**
	 * The page has an address.
	 *
	 * @param array $names By name.
	 * @return array
	 */
	public function name_page( $names ) {
		$names[ self::ENDPOINT ] = self::ENDPOINT;
		return $names;
	}

	/**
	 * The menu leads to it, before the way out.
	 *
	 * @param array $items Titles by page.
	 * @return array
	 */
	public function add_item( $items ) {
		$ours = array( self::ENDPOINT => __( 'Points', 'loyalty-hub' ) );
		$at   = array_search( 'customer-logout', array_keys( $items ), true );
		if ( false === $at ) {
			return $items + $ours;
		}
		return array_slice( $items, 0, $at, true ) + $ours + array_slice( $items, $at, null, true );
	}

	/**
	 * Its title.
	 *
	 * @return string
	 */
	public function title() {
		return __( 'Points', 'loyalty-hub' );
	}

	/**
	 * The member behind the account of who is logged in, as a quote told; asked for once a session.
	 *
	 * The contract finds members by phone, e-mail and card, and an account's are not proved; a quote
	 * finds them by the account itself, and writes nothing.
	 *
	 * @return string|null
	 */
	public static function member(): ?string {
		$known = get_user_meta( get_current_user_id(), self::META, true );
		if ( is_string( $known ) && '' !== $known ) {
			return $known;
		}
		if ( ! WC()->session || time() < (int) WC()->session->get( self::META, 0 ) ) {
			return null;
		}
		WC()->session->set( self::META, time() + self::ASKED_S );
		return self::ask( get_current_user_id() )['id'] ?? null;
	}

	/**
	 * What the hub says of an account.
	 *
	 * @param int $user Id.
	 * @return array `id`, `verified`, ...; empty if it knows nobody by it, or does not answer.
	 */
	public static function ask( int $user ): array {
		$reply = self::question( $user, Transport::for_buyers() );
		return self::told( null !== $reply && $reply->is_ok() ? $reply->body : array(), $user );
	}

	/**
	 * Asks the hub of an account.
	 *
	 * @param int      $user Id.
	 * @param Core\Hub $hub  The hub.
	 * @return Core\Reply|null Null where the shop has no name for it that the hub would know.
	 */
	public static function question( int $user, Core\Hub $hub ): ?Core\Reply {
		$basket = Basket_Reader::of_account( $user );
		return null === $basket ? null : $hub->call( 'POST', '/quotes', $basket->body( null, array(), null ) );
	}

	/**
	 * The member of an answer, whose number is kept beside the account.
	 *
	 * @param array $answer Of the hub.
	 * @param int   $user   Id.
	 * @return array As `ask`.
	 */
	public static function told( array $answer, int $user ): array {
		$member = $answer['member'] ?? null;
		if ( ! is_array( $member ) || ! is_string( $member['id'] ?? null ) ) {
			return array();
		}
		update_user_meta( $user, self::META, $member['id'] );
		return $member;
	}

	/**
	 * The member behind an account, where what is theirs may be shown: somebody vouches for it.
	 *
	 * @param int $user Id.
	 * @return string|null
	 */
	public static function proved_member( int $user ): ?string {
		$told   = self::ask( $user );
		$member = $told['id'] ?? null;
		return null !== $member && ( true === ( $told['verified'] ?? false ) || self::is_proved( $member ) ) ? $member : null;
	}

	/**
	 * The page.
	 */
	public function show(): void {
		if ( ! Options::are_complete() ) {
			return;
		}
		$told   = self::ask( get_current_user_id() );
		$member = $told['id'] ?? null;
		if ( null === $member ) {
			echo '<p>' . esc_html__( 'You have no points yet. They begin with your first order.', 'loyalty-hub' ) . '</p>';
			return;
		}
		if ( true !== ( $told['verified'] ?? false ) && ! self::is_proved( $member ) ) {
			$this->show_proof();
			return;
		}
		$hub  = Transport::for_buyers();
		$path = '/members/' . rawurlencode( $member );
		$card = $hub->call( 'GET', $path );
		if ( ! $card->is_ok() ) {
			echo '<p>' . esc_html__( 'Your points cannot be shown at this moment. Please come back later.', 'loyalty-hub' ) . '</p>';
			return;
		}
		$this->show_card( $card->body );
		$this->show_lots( $hub->call( 'GET', $path . '/lots' )->body );
		echo Offers::of( $hub->call( 'GET', $path . '/offers' )->body ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
		$this->show_history( $hub->call( 'GET', $path . '/ledger?limit=' . self::LIMIT )->body );
	}

	/**
	 * Whether this session has shown a code of the member's own phone or mailbox.
	 *
	 * Somebody may have ordered with a stranger's phone: what the stranger has is not theirs to see
	 * (`ledger.md` 28).
	 *
	 * @param string $member Number in the hub.
	 * @return bool
	 */
	private static function is_proved( string $member ): bool {
		$proof = WC()->session ? (array) WC()->session->get( self::PROOF, array() ) : array();
		return ( $proof['member'] ?? null ) === $member;
	}

	/**
	 * Asks for a code.
	 */
	private function show_proof(): void {
		$proof = (array) WC()->session->get( self::PROOF, array() );
		$sent  = isset( $proof['id'] );
		echo '<p>' . esc_html__( 'To see your points, prove that the phone of your orders is yours: a code will be sent to it.', 'loyalty-hub' ) . '</p>';
		echo '<form method="post">';
		wp_nonce_field( self::ACTION, self::ACTION );
		if ( $sent ) {
			echo '<label>' . esc_html__( 'Code from the message', 'loyalty-hub' ) . ' <input type="text" class="input-text" inputmode="numeric" autocomplete="one-time-code" name="loyalty_hub_confirm"></label> ';
			echo '<button type="submit" class="button">' . esc_html__( 'Confirm', 'loyalty-hub' ) . '</button> ';
		}
		echo '<button type="submit" class="button" name="loyalty_hub_send" value="1">' . esc_html__( 'Send me a code', 'loyalty-hub' ) . '</button></form>';
	}

	/**
	 * Takes what that form posted.
	 */
	public function prove(): void {
		$nonce = isset( $_POST[ self::ACTION ] ) ? sanitize_text_field( wp_unslash( $_POST[ self::ACTION ] ) ) : '';
		if ( ! wp_verify_nonce( $nonce, self::ACTION ) || ! WC()->session || ! Options::are_complete() ) {
			return;
		}
		$proof = (array) WC()->session->get( self::PROOF, array() );
		$code  = isset( $_POST['loyalty_hub_confirm'] ) ? sanitize_text_field( wp_unslash( $_POST['loyalty_hub_confirm'] ) ) : '';
		if ( isset( $_POST['loyalty_hub_send'] ) || ! isset( $proof['id'] ) ) {
			$reply = Transport::for_work()->call(
				'POST',
				'/confirmations',
				array(
					'member'  => Basket_Reader::account( get_current_user_id() ),
					'purpose' => 'spend',
					'cart'    => 'account-' . get_current_user_id(),
					'shop'    => Options::get( 'shop' ) ?: null,
					'locale'  => Options::locale(),
				)
			);
			$proof = $reply->is_ok() ? array( 'id' => (string) ( $reply->body['id'] ?? '' ) ) : $proof;
		} else {
			$reply = Transport::for_work()->call( 'POST', '/confirmations/' . rawurlencode( $proof['id'] ) . '/check', array( 'code' => $code ) );
			$proof = $reply->is_ok() ? array( 'member' => (string) ( $reply->body['member'] ?? '' ) ) : $proof;
		}
		WC()->session->set( self::PROOF, $proof );
		if ( ! $reply->is_ok() ) {
			wc_add_notice( esc_html( Choices::refusal( $reply ) ), 'error' );
		}
	}

	/**
	 * Balance and tier.
	 *
	 * @param array $card As the hub answers.
	 */
	private function show_card( array $card ): void {
		$balance = (array) ( $card['balance'] ?? array() );
		$rows    = array(
			array( __( 'Points that can be spent', 'loyalty-hub' ), self::points( $balance['available'] ?? null ) ),
			array( __( 'Points that will come', 'loyalty-hub' ), self::points( $balance['pending'] ?? null ) ),
		);
		if ( isset( $card['tier']['name'] ) ) {
			$rows[] = array( __( 'Tier', 'loyalty-hub' ), (string) $card['tier']['name'] );
		}
		if ( isset( $card['next_tier']['name'] ) ) {
			$rows[] = array( __( 'Next tier', 'loyalty-hub' ), (string) $card['next_tier']['name'] );
		}
		echo self::table( array(), $rows ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
	}

	/**
	 * Points that end.
	 *
	 * @param array $answer As the hub answers.
	 */
	private function show_lots( array $answer ): void {
		$rows = array();
		foreach ( self::items( $answer ) as $lot ) {
			if ( isset( $lot['expires_at'] ) ) {
				$rows[] = array( self::points( $lot['left'] ?? null ), self::last_day( $lot['expires_at'] ) );
			}
		}
		if ( array() !== $rows ) {
			echo '<h3>' . esc_html__( 'Points that expire', 'loyalty-hub' ) . '</h3>';
			echo self::table( array( __( 'Points', 'loyalty-hub' ), __( 'Until', 'loyalty-hub' ) ), $rows ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
		}
	}

	/**
	 * The last movements.
	 *
	 * @param array $answer As the hub answers.
	 */
	private function show_history( array $answer ): void {
		$rows = array();
		foreach ( self::items( $answer ) as $entry ) {
			$change = self::change( $entry );
			if ( 0 !== $change ) {
				$rows[] = array( self::day( $entry['occurred_at'] ?? '' ), self::kind( (string) ( $entry['kind'] ?? '' ) ), Offer::points( $change ) );
			}
		}
		if ( array() !== $rows ) {
			echo '<h3>' . esc_html__( 'History', 'loyalty-hub' ) . '</h3>';
			echo self::table( array( __( 'Day', 'loyalty-hub' ), __( 'What', 'loyalty-hub' ), __( 'Points', 'loyalty-hub' ) ), $rows ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
		}
	}

	/**
	 * What a movement gave or took; one that only set points aside did neither.
	 *
	 * @param array $entry Of the ledger.
	 * @return int Hundredths.
	 */
	private static function change( array $entry ): int {
		try {
			return Money::read( $entry['available'] ) + Money::read( $entry['pending'] ) + Money::read( $entry['held'] ) - Money::read( $entry['debt'] );
		} catch ( \UnexpectedValueException $error ) {
			return 0;
		}
	}

	/**
	 * A kind of movement in words (`ledger.md`, 3).
	 *
	 * @param string $kind As the hub names it.
	 * @return string
	 */
	private static function kind( string $kind ): string {
		$words = array(
			'earn'      => __( 'Earned', 'loyalty-hub' ),
			'capture'   => __( 'Spent', 'loyalty-hub' ),
			'spend'     => __( 'Spent', 'loyalty-hub' ),
			'give_back' => __( 'Given back for a return', 'loyalty-hub' ),
			'claw_back' => __( 'Taken back for a return', 'loyalty-hub' ),
			'expire'    => __( 'Expired', 'loyalty-hub' ),
			'adjust'    => __( 'Changed by the shop', 'loyalty-hub' ),
			'transfer'  => __( 'Moved', 'loyalty-hub' ),
			'forgive'   => __( 'Debt forgiven', 'loyalty-hub' ),
		);
		return $words[ $kind ] ?? $kind;
	}

	/**
	 * Entries of a list.
	 *
	 * @param array $answer As the hub answers; of a refusal there are none.
	 * @return array[]
	 */
	public static function items( array $answer ): array {
		return array_filter( (array) ( $answer['items'] ?? array() ), 'is_array' );
	}

	/**
	 * Points as people read them.
	 *
	 * @param mixed $told Decimal of the hub.
	 * @return string
	 */
	private static function points( $told ): string {
		try {
			return Offer::points( Money::read( $told ) );
		} catch ( \UnexpectedValueException $error ) {
			return '';
		}
	}

	/**
	 * A time as a day of the shop.
	 *
	 * @param mixed $told ISO 8601.
	 * @return string
	 */
	public static function day( $told ): string {
		$at = is_string( $told ) ? strtotime( $told ) : false;
		return false === $at ? '' : wp_date( (string) get_option( 'date_format' ), $at );
	}

	/**
	 * The last day before a time: what ends at midnight is good until the day before.
	 *
	 * @param mixed $told ISO 8601; null: without end.
	 * @return string
	 */
	public static function last_day( $told ): string {
		$at = is_string( $told ) ? strtotime( $told ) : false;
		return false === $at ? '' : wp_date( (string) get_option( 'date_format' ), $at - 1 );
	}

	/**
	 * A table.  On a narrow screen WooCommerce stacks the cells of one that has heads, each behind its
	 * title (10.5.2, `assets/css/woocommerce-smallscreen.css`); an empty one would have no height there.
	 *
	 * @param string[] $heads May be none.
	 * @param array[]  $rows  Texts.
	 * @return string HTML, escaped.
	 */
	public static function table( array $heads, array $rows ): string {
		$html = '<table class="shop_table' . ( array() === $heads ? '' : ' shop_table_responsive' ) . ' loyalty-hub-table">';
		if ( array() !== $heads ) {
			$html .= '<thead><tr><th>' . implode( '</th><th>', array_map( 'esc_html', $heads ) ) . '</th></tr></thead>';
		}
		$html .= '<tbody>';
		foreach ( $rows as $row ) {
			$html .= '<tr>';
			foreach ( $row as $place => $text ) {
				$html .= '<td' . ( isset( $heads[ $place ] ) ? ' data-title="' . esc_attr( $heads[ $place ] ) . '"' : '' ) . '>' . esc_html( '' === $text ? '—' : $text ) . '</td>';
			}
			$html .= '</tr>';
		}
		return $html . '</tbody></table>';
	}
}
