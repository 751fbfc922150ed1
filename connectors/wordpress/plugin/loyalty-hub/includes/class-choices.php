<?php
/**
 * What the buyer chooses: points to spend, codes.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * One way in for the forms of the classic pages and for the blocks.
 */
final class Choices {

	public const ACTION = 'loyalty_hub_choose';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'wp_loaded', array( $this, 'posted' ), 25 );
		add_action( 'wc_ajax_' . self::ACTION, array( $this, 'asked' ) );
	}

	/**
	 * A form without script: the page is shown anew.
	 */
	public function posted(): void {
		if ( wp_doing_ajax() || ! isset( $_POST['loyalty_hub_nonce'], $_POST['loyalty_hub_page'] ) || ! $this->is_ours() ) {
			return;
		}
		$this->take_posted();
		wp_safe_redirect( esc_url_raw( wp_unslash( $_POST['loyalty_hub_page'] ) ) ); // phpcs:ignore WordPress.Security.NonceVerification.Missing
		exit;
	}

	/**
	 * A form with script, at the classic checkout.
	 */
	public function asked(): void {
		if ( ! $this->is_ours() ) {
			wp_send_json_error( null, 403 );
		}
		$this->take_posted();
		wp_send_json_success();
	}

	/**
	 * Takes a choice over and has the cart priced anew.
	 *
	 * @param array $data `points`, `code`, `certificate`, `drop`, `send`, `confirm`: each a text, any may be missing.
	 * @return string|null What was wrong with it, in words.
	 */
	public static function take( array $data ): ?string {
		$checkout = Cart::one()->checkout();
		if ( null === $checkout || ! WC()->cart ) {
			return null;
		}
		$wrong = null;
		$typed = $data['points'] ?? null;
		if ( is_string( $typed ) && ! $checkout->choose( $typed ) ) {
			$wrong = __( 'Enter the points as a number, please.', 'loyalty-hub' );
		}
		if ( is_string( $data['code'] ?? null ) ) {
			$checkout->add_code( $data['code'] );
		}
		if ( is_string( $data['certificate'] ?? null ) ) {
			$checkout->add_certificate( $data['certificate'] );
		}
		if ( is_string( $data['drop'] ?? null ) ) {
			$checkout->drop_code( $data['drop'] );
		}
		$reply = self::confirm( $checkout, $data );
		Cart::one()->keep_checkout( $checkout );
		WC()->cart->calculate_totals();
		return null === $reply || $reply->is_ok() ? $wrong : self::refusal( $reply );
	}

	/**
	 * A confirmation code is wanted, or was typed.
	 *
	 * @param Core\Checkout $checkout The way of the cart.
	 * @param array         $data     As above.
	 * @return Core\Reply|null Null: neither.
	 */
	private static function confirm( Core\Checkout $checkout, array $data ): ?Core\Reply {
		if ( is_string( $data['send'] ?? null ) ) {
			return $checkout->send_code( Cart::one()->basket() );
		}
		if ( is_string( $data['confirm'] ?? null ) ) {
			return $checkout->confirm( Cart::one()->basket(), $data['confirm'], Orders::ttl() );
		}
		return null;
	}

	/**
	 * Why a code was not sent or not taken, as the hub says it to people.
	 *
	 * @param Core\Reply $reply A refusal.
	 * @return string
	 */
	public static function refusal( Core\Reply $reply ): string {
		$detail = $reply->body['detail'] ?? null;
		return is_string( $detail ) && $reply->status >= 400 && $reply->status < 500
			? $detail
			: __( 'This is not possible at this moment. Please try again later.', 'loyalty-hub' );
	}

	/**
	 * Takes what a form posted.
	 */
	private function take_posted(): void {
		$data = array();
		foreach ( array( 'points', 'code', 'certificate', 'drop', 'send', 'confirm' ) as $name ) {
			// phpcs:ignore WordPress.Security.NonceVerification.Missing
			$typed = isset( $_POST[ 'loyalty_hub_' . $name ] ) ? sanitize_text_field( wp_unslash( $_POST[ 'loyalty_hub_' . $name ] ) ) : null;
			if ( null !== $typed ) {
				$data[ $name ] = $typed;
			}
		}
		$wrong = self::take( $data );
		if ( null !== $wrong ) {
			wc_add_notice( esc_html( $wrong ), 'error' );
		}
	}

	/**
	 * Whether this page made the form.
	 *
	 * @return bool
	 */
	private function is_ours(): bool {
		$nonce = isset( $_POST['loyalty_hub_nonce'] ) ? sanitize_text_field( wp_unslash( $_POST['loyalty_hub_nonce'] ) ) : '';
		return false !== wp_verify_nonce( $nonce, self::ACTION );
	}
}
