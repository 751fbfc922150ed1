<?php
/**
 * The box with points and codes on the classic cart and checkout.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * A form of its own beside WooCommerce's; without script it works by showing the page anew.
 */
final class Classic {

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'woocommerce_before_cart_totals', array( $this, 'show_at_cart' ) );
		add_action( 'woocommerce_before_checkout_form', array( $this, 'show_at_checkout' ), 20 );
		add_action( 'woocommerce_checkout_update_order_review', array( $this, 'take_phone' ) );
		add_filter( 'woocommerce_update_order_review_fragments', array( $this, 'renew' ) );
		add_action( 'wp_enqueue_scripts', array( $this, 'load' ) );
	}

	/**
	 * The script of the checkout.
	 */
	public function load(): void {
		if ( is_checkout() && Options::are_complete() ) {
			wp_enqueue_script( 'loyalty-hub-classic', plugins_url( 'assets/classic.js', LOYALTY_HUB_FILE ), array( 'jquery', 'wc-checkout' ), LOYALTY_HUB_VERSION, true );
			wp_add_inline_script( 'loyalty-hub-classic', 'window.loyaltyHubClassic = ' . wp_json_encode( array( 'url' => \WC_AJAX::get_endpoint( Choices::ACTION ) ) ) . ';', 'before' );
		}
	}

	/**
	 * At the cart.
	 */
	public function show_at_cart(): void {
		echo self::box( wc_get_cart_url() ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
	}

	/**
	 * At the checkout.
	 */
	public function show_at_checkout(): void {
		echo self::box( wc_get_checkout_url() ); // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped -- escaped where it is made.
	}

	/**
	 * The phone counts as soon as it is typed: WooCommerce itself takes over the address alone before the
	 * order is placed (10.5.2, `includes/class-wc-ajax.php`), which is too late to spend points.
	 *
	 * @param string $form As the browser encodes a form.
	 */
	public function take_phone( $form ): void {
		$typed = array();
		parse_str( (string) $form, $typed );
		if ( isset( $typed['billing_phone'] ) && is_string( $typed['billing_phone'] ) && WC()->customer && Options::are_complete() ) {
			WC()->customer->set_billing_phone( sanitize_text_field( $typed['billing_phone'] ) );
		}
	}

	/**
	 * When the checkout calculates anew, the box is made anew too.
	 *
	 * @param array $fragments HTML by selector.
	 * @return array
	 */
	public function renew( $fragments ) {
		$fragments['.loyalty-hub-box'] = self::box( wc_get_checkout_url() );
		return $fragments;
	}

	/**
	 * The box.
	 *
	 * @param string $page Address of the page that it stands on.
	 * @return string HTML, escaped.
	 */
	private static function box( string $page ): string {
		$view = Offer::of_cart();
		if ( null === $view ) {
			return '<div class="loyalty-hub-box"></div>';
		}
		$html = '<div class="loyalty-hub-box woocommerce-info">';
		foreach ( $view['notes'] as $note ) {
			$html .= '<p>' . esc_html( $note ) . '</p>';
		}
		if ( $view['can_spend'] ) {
			$html .= self::form( $page, 'points', $view['spend'], $view['texts']['points'], $view['texts']['use'] );
			if ( $view['by_code'] ) {
				$html .= self::button( $page, 'send', '1', $view['texts']['send'] );
			} else {
				$html .= self::button( $page, 'points', 'max', $view['texts']['all'] );
			}
			if ( $view['by_code'] && $view['code_sent'] ) {
				$html .= self::form( $page, 'confirm', '', $view['texts']['digits'], $view['texts']['spend'] );
			}
			if ( '' !== $view['spend'] ) {
				$html .= self::button( $page, 'points', '', $view['texts']['none'] );
			}
		}
		$html .= self::form( $page, 'code', '', $view['texts']['code'], $view['texts']['apply'] );
		$html .= self::form( $page, 'certificate', '', $view['texts']['gift'], $view['texts']['apply'] );
		foreach ( $view['codes'] as $code ) {
			$html .= '<p>' . esc_html( $code['text'] ) . ' ' . self::button( $page, 'drop', $code['code'], $view['texts']['drop'] ) . '</p>';
		}
		return $html . '</div>';
	}

	/**
	 * A field and its button.
	 *
	 * @param string $page  Address.
	 * @param string $name  Of the field.
	 * @param string $value In it.
	 * @param string $label Beside it.
	 * @param string $text  On the button.
	 * @return string HTML, escaped.
	 */
	private static function form( string $page, string $name, string $value, string $label, string $text ): string {
		$field = '<label>' . esc_html( $label ) . ' <input type="text" class="input-text" inputmode="' . ( 'points' === $name ? 'decimal' : 'text' ) . '" name="loyalty_hub_' . esc_attr( $name ) . '" value="' . esc_attr( $value ) . '"></label> ';
		return self::around( $page, $field, $text );
	}

	/**
	 * A button that posts one value.
	 *
	 * @param string $page  Address.
	 * @param string $name  Of the field.
	 * @param string $value In it.
	 * @param string $text  On the button.
	 * @return string HTML, escaped.
	 */
	private static function button( string $page, string $name, string $value, string $text ): string {
		return self::around( $page, '<input type="hidden" name="loyalty_hub_' . esc_attr( $name ) . '" value="' . esc_attr( $value ) . '">', $text );
	}

	/**
	 * The form around a field.
	 *
	 * @param string $page  Address.
	 * @param string $field HTML, escaped.
	 * @param string $text  On the button.
	 * @return string HTML, escaped.
	 */
	private static function around( string $page, string $field, string $text ): string {
		return '<form class="loyalty-hub-form" method="post" action="' . esc_url( $page ) . '" style="display:inline-block">' . $field
			. '<input type="hidden" name="loyalty_hub_page" value="' . esc_url( $page ) . '">'
			. '<input type="hidden" name="loyalty_hub_nonce" value="' . esc_attr( wp_create_nonce( Choices::ACTION ) ) . '">'
			. '<button type="submit" class="button">' . esc_html( $text ) . '</button></form>';
	}
}
